"""A DAG that is written in the browser: what was typed, and the spec that becomes of it.

``draft`` holds the texts as they were typed, ``reading`` makes a ``DagSpec`` of
them or says at which field what is wrong, ``saving`` stores it as a version.
"""
