"""Claims of the papers, judged by the tables of the reports in this repository: reports/claims.html.

A module per subject says how its claims are judged; nothing is computed here but what stands in those tables.
"""
