"""Tests of the package `benchmarks`."""
