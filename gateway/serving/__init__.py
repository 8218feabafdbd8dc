"""What the faces that speak HTTP share: gunicorn as a process, patience, where the worker is asked.

It decides nothing and knows no route: `api` and `web` do.
"""
