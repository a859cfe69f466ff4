"""Arithmetic of pictures: numbers in, rectangles out; numpy, no Qt. Pixels are floats from the left edge
of the plot.
"""
