"""Loading data: datasets, samplers, and the DataLoader that turns them into batches.

The datapipes that PyTorch has here besides are left out: it does not develop them any more.
"""

from learntorch.utils.data.dataloader import (
                                              DataLoader,
                                              _DatasetKind,
                                              default_collate,
                                              default_convert,
                                              get_worker_info,
)
from learntorch.utils.data.dataset import (
                                              ChainDataset,
                                              ConcatDataset,
                                              Dataset,
                                              IterableDataset,
                                              StackDataset,
                                              Subset,
                                              TensorDataset,
                                              random_split,
)
from learntorch.utils.data.distributed import DistributedSampler
from learntorch.utils.data.sampler import (
                                              BatchSampler,
                                              RandomSampler,
                                              Sampler,
                                              SequentialSampler,
                                              SubsetRandomSampler,
                                              WeightedRandomSampler,
)

__all__ = ["BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset",
           "DistributedSampler", "IterableDataset", "RandomSampler", "Sampler",
           "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
           "WeightedRandomSampler", "_DatasetKind", "default_collate", "default_convert",
           "get_worker_info", "random_split"]

_DATAPIPES = ("DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "argument_validation",
              "datapipes", "functional_datapipe", "guaranteed_datapipes_determinism",
              "non_deterministic", "runtime_validation", "runtime_validation_disabled")


def __getattr__(name):
    from learntorch.core.failures import no_such_name
    if name in _DATAPIPES:
        raise AttributeError(f"torch.utils.data.{name} belongs to the datapipes, which PyTorch "
                             "does not develop any more and learntorch does not have. A Dataset, "
                             "or an IterableDataset for a stream, does the same.", name=name)
    raise no_such_name("torch.utils.data", name, __all__)
