"""The torch core: it knows tensors, and nothing of files, surveys or scikit-learn."""

from sklearn_astromer.network.astromer import AstromerNetwork, Encoder
from sklearn_astromer.network.config import AttentionConvention, NetworkConfig

__all__ = ["AstromerNetwork", "AttentionConvention", "Encoder", "NetworkConfig"]
