"""Pictures of a tape, all made from its graph: drawings by Graphviz, and the page."""
