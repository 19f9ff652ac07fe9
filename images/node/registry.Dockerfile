# An image registry for the machine itself: Debian's docker-registry on the Python base, whose layers are there anyway.
ARG ROOT
FROM ${ROOT} AS registry
COPY --from=package usr/bin/docker-registry /usr/bin/
COPY registry.yml /etc/registry.yml
EXPOSE 5000
ENTRYPOINT ["/usr/bin/docker-registry", "serve", "/etc/registry.yml"]
LABEL io.github.aicontainer.image=course
