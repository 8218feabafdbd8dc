"""The web site: what people see and do. It opens nothing that is sealed.

`app.py` makes the site of its parts, `visitor.py` says who may see a page, `security.py` what every
answer carries. What is decided, is decided below, or by the worker over its door.
"""
