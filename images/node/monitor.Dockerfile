# Prometheus and Alertmanager: Debian's programs on the Python base, whose layers are there anyway.
# As in the official images the program is the entrypoint, and the manifests give nothing but its options.
ARG ROOT
FROM ${ROOT} AS prometheus
COPY --from=package usr/bin/prometheus /usr/bin/
USER 65534:65534
EXPOSE 9090
ENTRYPOINT ["/usr/bin/prometheus"]
LABEL io.github.aicontainer.image=course

FROM ${ROOT} AS alertmanager
COPY --from=package usr/bin/prometheus-alertmanager /usr/bin/
USER 65534:65534
EXPOSE 9093
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]
LABEL io.github.aicontainer.image=course
