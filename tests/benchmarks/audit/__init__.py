"""Tests of the package `benchmarks.audit`."""
