"""The command `dexjax`."""
