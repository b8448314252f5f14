"""`python -m convstep`."""

from convstep.cli import main

if __name__ == "__main__":
    main()
