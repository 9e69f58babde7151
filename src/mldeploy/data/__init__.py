"""Data in numbered versions that never change, on a machine or in a bucket."""
