"""Widgets of the course: Python that computes plain data, and a view that draws it.

They need Jupyter (`pip install 'learntorch[course]'`); the rest of the course does not.
"""

from course.widgets.base import Widget
from course.widgets.batch_viewer import BatchViewer
from course.widgets.confusion_matrix import ConfusionMatrix
from course.widgets.decision_boundary import DecisionBoundary
from course.widgets.draw_digit import DrawDigit
from course.widgets.environment_card import EnvironmentCard
from course.widgets.feature_maps import FeatureMaps
from course.widgets.file_inspector import FileInspector
from course.widgets.freeze_panel import FreezePanel
from course.widgets.graph_explorer import GraphExplorer, explore
from course.widgets.landscape_race import LandscapeRace
from course.widgets.loss_curves import LossCurves
from course.widgets.loss_shapes import LossShapes
from course.widgets.module_tree import ModuleTree
from course.widgets.polling import poll
from course.widgets.quiz import Quiz
from course.widgets.shape_explorer import ShapeExplorer
from course.widgets.shared_memory import SharedMemory
from course.widgets.storage_viewer import StorageViewer
from course.widgets.vjp_stepper import VJPStepper

__all__ = ["BatchViewer", "ConfusionMatrix", "DecisionBoundary", "DrawDigit", "EnvironmentCard",
           "FeatureMaps", "FileInspector", "FreezePanel", "GraphExplorer", "LandscapeRace",
           "LossCurves", "LossShapes", "ModuleTree", "Quiz", "ShapeExplorer", "SharedMemory",
           "StorageViewer", "VJPStepper", "Widget", "explore", "poll"]
