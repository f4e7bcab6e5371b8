"""The command line: one file in this folder is one command, found by its name and loaded only when it is asked for.

A file holds either a function named like the file, with an underscore in place of a dash and after a Python keyword
(`import_`), or a `typer.Typer` named `app` whose commands become `tocsin <file> <command>`. Its top level imports
nothing but typer and the standard library; what is heavy is imported inside the function, so that help stays quick.
"""
