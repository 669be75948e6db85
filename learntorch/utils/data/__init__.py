"""Loading data: datasets, samplers, and the DataLoader that turns them into batches."""

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
