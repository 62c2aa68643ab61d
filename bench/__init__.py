"""Benchmarks, run by hand and by `make bench`: ratios within one run, on the whole product."""
