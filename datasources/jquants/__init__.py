"""J-Quants, the data service of the Japan Exchange Group."""
