"""From votes to results: which two are to be judged next, which group is the best, and how sure that is.

Everything here takes records and votes and knows neither the log nor a studio.
"""
