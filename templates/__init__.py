"""Words: a folder for each language, for buyers, the seller and the operator."""
