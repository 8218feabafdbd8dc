"""What the faces that speak HTTP share: gunicorn as a process, patience, a package's bytes.

It decides nothing and knows no route: `api` and `web` do.
"""
