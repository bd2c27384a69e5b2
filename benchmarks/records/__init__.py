"""What each recipe reaches, measured as a user would run it, and RESULTS.md.

``python -m benchmarks.records`` trains recipes with many seeds, each as a whole command
in a process of its own, opens the test images once for each, and keeps one JSON file a
run. ``--write`` renders RESULTS.md from these files alone.
"""
