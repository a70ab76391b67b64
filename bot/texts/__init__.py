"""Words for buyers: catalogue, template engine, variables and samples."""
