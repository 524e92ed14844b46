"""Tests of the package `encoders`."""
