"""The steps of the offline verifier. `smalt.trust.verify` puts them together; a bundle carries them."""
