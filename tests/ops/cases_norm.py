"""Geometries of norms, in train and eval mode."""

from op_cases import case, distinct, given, normal

_inf, _nan = float("inf"), float("nan")

CASES = [
    case("BatchNorm1d", normal(4, 3)),
    case("BatchNorm1d", normal(2, 2)),
    case("BatchNorm1d", normal(2, 2, 3), momentum=None),
    case("BatchNorm1d", normal(3, 1), training=False),
    case("BatchNorm1d", normal(3, 2, 2), track_running_stats=False, affine=False, training=False),
    case("BatchNorm2d", normal(2, 3, 2, 2)),
    case("BatchNorm2d", normal(1, 2, 3, 3), num_features=2, momentum=0.3, eps=0.01, bias=False),
    case("BatchNorm2d", normal(2, 1, 2, 2), affine=False, track_running_stats=False),
    case("BatchNorm2d", normal(2, 3, 2, 2), training=False),
    case("BatchNorm2d", normal(1, 1, 1, 1), affine=False, training=False),
    case("BatchNorm2d", given([[[[0.0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]]]), note="one hot"),
    case("InstanceNorm1d", normal(2, 3)),
    case("InstanceNorm1d", normal(2, 2, 3), affine=True),
    case("InstanceNorm1d", normal(2, 3), num_features=7),
    case("InstanceNorm1d", normal(2, 2, 3), affine=True, track_running_stats=True),
    case("InstanceNorm1d", normal(2, 2, 3), affine=True, track_running_stats=True, training=False),
    case("InstanceNorm1d", normal(2, 3), track_running_stats=True, training=False),
    case("InstanceNorm2d", normal(2, 2, 2, 3)),
    case("InstanceNorm2d", normal(3, 2, 2), affine=True, track_running_stats=True, momentum=None),
    case("InstanceNorm2d", normal(3, 2, 2, 1), affine=True, bias=False, track_running_stats=True, momentum=0.4),
    case("InstanceNorm2d", normal(2, 2, 2, 2), training=False),
    case("LayerNorm", normal(4, 5), normalized_shape=5),
    case("LayerNorm", normal(2, 2, 3), normalized_shape=[2, 3], eps=0.1),
    case("LayerNorm", normal(3, 2), normalized_shape=2),
    case("LayerNorm", normal(4), normalized_shape=4, bias=False),
    case("LayerNorm", normal(2, 1), normalized_shape=1, eps=0.1),
    case("LayerNorm", distinct(2, 12), normalized_shape=[12], elementwise_affine=False),
    case("RMSNorm", normal(3, 4), normalized_shape=4),
    case("RMSNorm", normal(2, 2, 3), normalized_shape=[2, 3], eps=0.1),
    case("RMSNorm", normal(12), normalized_shape=12, elementwise_affine=False),
    case("RMSNorm", normal(2, 1), normalized_shape=1, eps=1e-3),
    case("GroupNorm", normal(2, 4), num_groups=2),
    case("GroupNorm", normal(2, 6, 3), num_groups=3, num_channels=6),
    case("GroupNorm", normal(1, 2, 2, 2), num_groups=1, affine=False),
    case("GroupNorm", normal(2, 2, 3), num_groups=2, bias=False, eps=0.01, training=False),
    case("GroupNorm", normal(2, 2), num_groups=2, eps=0.5),
    case("LocalResponseNorm", normal(2, 4, 3), size=2),
    case("LocalResponseNorm", normal(2, 3, 2, 2), size=3, alpha=0.5, beta=1.5, k=2.0),
    case("LocalResponseNorm", normal(1, 2, 1, 2, 1), size=5, alpha=1.0),
    case("LocalResponseNorm", normal(1, 3, 2), size=1, alpha=2.0, beta=0.5),
]

_EXTREMES = [[1.0, _inf, 1.0, 1e200], [2.0, 1.0, _nan, -1e200], [3.0, 5.0, 2.0, 0.0], [4.0, 1.0, 1.0, 1.0]]

EXTREME_CASES = [
    case("BatchNorm1d", given(_EXTREMES)),
    case("BatchNorm1d", given(_EXTREMES), training=False),
    case("BatchNorm1d", given([[1.0], [1.0]]), note="constant"),
    case("InstanceNorm1d", given(_EXTREMES), affine=True),
    case("LayerNorm", given(_EXTREMES), normalized_shape=4),
    case("RMSNorm", given(_EXTREMES), normalized_shape=4),
    case("GroupNorm", given([[1.0, _inf, 1.0, 2.0], [2.0, 1.0, _nan, 1.0]]), num_groups=2, note="extreme"),
    case("LocalResponseNorm", given([_EXTREMES]), size=2),
]
