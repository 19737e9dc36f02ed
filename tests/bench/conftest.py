import sys
from pathlib import Path

# The benchmarks are not installed: they run from the tree.
sys.path.append(str(Path(__file__).parents[2]))
