"""Tests: fakes that behave, real servers, whole journeys."""
