"""Ladders: from the formula to the kernel that ships, one rung at a time. `docs/gemm.md` climbs them.

    python -m benchmarks.ladder

| module | content |
| --- | --- |
| `__main__` | the command |
| `product/` | the rungs of the matrix product, one file each, in the order of `rungs` |
| `attention/` | the rungs of attention, in the order of `climb_attention` |
| `padding/` | the rungs of a batch of texts of many lengths, in the order of `climb_padding` |
| `climb_product`, `climb_attention`, `climb_padding` | what is compared, timed and printed |
| `rungs` | the order of the product's rungs, and how far off each may be |
| `operands` | how operands lie in memory |
| `team` | the threads of a rung |
| `program` | how the shipped kernels are run |
| `machine` | the limits of the machine |
| `timing` | comparing and timing |
| `picture` | the picture of the product's ladder |
| `assembly` | the inner loop of a rung, as machine code |

A rung is as short as it can be, takes operands of any size, and shows one idea more than the one before.
None of this is part of the package.
"""
