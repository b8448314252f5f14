"""Embedding and Bilinear."""

from op_cases import case, given, labels, normal

CASES = [
    case("Bilinear", normal(4, 2), normal(4, 3), out_features=2),
    case("Bilinear", normal(2), normal(3), out_features=1, bias=False),
    case("Bilinear", normal(2, 2, 3), normal(2, 2, 1), out_features=2, in1_features=3, in2_features=1),
    case("Embedding", given([0, 2, 0, 3]), num_embeddings=5, embedding_dim=3),
    case("Embedding", labels(4, 2, 3), num_embeddings=4, embedding_dim=2, sparse=False),
    case("Embedding", given(1), num_embeddings=2, embedding_dim=2),
    case("Embedding", given([0, 2, 0, 3]), num_embeddings=4, embedding_dim=2, padding_idx=-4, smooth=False),
    case(
        "Embedding", given([[0, 2], [0, 3]]), num_embeddings=4, embedding_dim=2, scale_grad_by_freq=True, smooth=False
    ),
]

EXTREME_CASES = [
    case("Bilinear", given([[1e200, float("inf")]]), given([[1e200, float("nan")]]), out_features=2),
]
