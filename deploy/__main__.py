"""``python -m deploy``: serve the app as a host does."""

from deploy.server import main

if __name__ == "__main__":
    main()
