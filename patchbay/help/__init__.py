"""The pages of ``docs/`` inside the product, and Markdown that authors of DAGs write."""
