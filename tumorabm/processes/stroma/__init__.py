"""Pericytes, MDSCs, fibroblasts and T cells."""
