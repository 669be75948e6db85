"""The array dialect: one file per array library, with the same names in each."""
