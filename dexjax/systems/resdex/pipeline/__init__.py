"""All of ResDex in one run: its policies, splits, tables and figures."""
