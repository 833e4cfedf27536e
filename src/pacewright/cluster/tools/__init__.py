"""Pacemaker's own commands: a file for each, a function for each call. XML out, never text for people.

Every function returns what the command said or raises; nothing here decides anything.
"""
