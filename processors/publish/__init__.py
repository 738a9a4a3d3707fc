"""
Figures leave the house: the process that folds, and sends what changed to the indicator topic.

Why: whoever reads figures from Kafka needs every change, once it counts, in an order that ends at the truth.
Must not: know SQL (processors/store does).
"""
