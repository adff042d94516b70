"""The merge, for every engine: stage, keep the best row per key, drop what is not better, delete, insert."""
