"""Xiaoer (小二): a customer-service bot for online sellers."""
