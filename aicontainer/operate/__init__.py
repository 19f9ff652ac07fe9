"""The room of operation: Prometheus and Alertmanager in the cluster, asked from here.

It knows the cluster through ``deploy`` only, and asks both programs over HTTP as anybody would.
"""
