"""Which tools of training pay: recipes with one thing changed, on validation images.

``python -m benchmarks.ablations`` trains each variant of a recipe with several seeds on
50,000 of MNIST's training images, counts right answers on the other 10,000, and keeps
one JSON file a table in ``records/ablations``, which `benchmarks.records` renders. The
test images are never read.
"""
