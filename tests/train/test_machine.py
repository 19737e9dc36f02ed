import json

import numpy as np

from train.machine import describe_machine


def test_facts_name_what_decides_the_bits_of_a_run():
    facts = describe_machine()
    assert facts["numpy"] == np.__version__
    assert facts["cores"] >= 1
    assert {"processor", "system", "python"} <= {name for name, fact in facts.items() if fact}
    assert json.loads(json.dumps(facts)) == facts
