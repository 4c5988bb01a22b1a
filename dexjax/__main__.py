"""`python -m dexjax`: the command `dexjax`."""

from dexjax.cli.main import main

if __name__ == "__main__":
    main()
