"""The floor counts the matrix products that a step really has."""

import pytest

from bench.configurations import Configuration
from bench.floor import matrix_products
from tape import Tape


@pytest.mark.parametrize("micro_batch", [1, 2, 4])
def test_its_flops_are_three_times_those_that_the_tape_counts_forward(micro_batch):
    configuration = Configuration(19, 6, 8, 3, 2, batch_size=4, micro_batch=micro_batch)
    with Tape() as tape:
        configuration.model().loss(*configuration.batch())
    products = matrix_products(configuration)
    flops = sum(2 * m * k * n * count for (m, k, n), count in products.items())
    assert flops == pytest.approx(3 * sum(record.flops for record in tape.records))
