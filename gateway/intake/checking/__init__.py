"""Judging an opened table against the agreement: headings, cells, rules, screening, minimising.

Runs inside the confined reader alone. Tables go through polars a batch at a time; what Python
judges, it judges once per distinct value.
"""
