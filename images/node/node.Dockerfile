# A node for kind: Debian 12 with systemd and containerd, the Kubernetes program, and the images of its pods in place.
# ROOT is Debian 12 because its systemd still accepts cgroup v1. PODS is the folder of archives to put in place.
ARG ROOT
FROM ${ROOT} AS root

# The pause image: one static program that waits for signals and reaps children.
FROM scratch AS pause
COPY --from=root /usr/bin/catatonit /pause
ENTRYPOINT ["/pause", "-P"]
LABEL io.github.aicontainer.image=course

FROM root AS node
COPY --from=built program /usr/bin/program
RUN for name in kubeadm kubelet kubectl; do ln -s program /usr/bin/$name; done; \
    systemctl mask getty@.service console-getty.service systemd-udevd.service systemd-logind.service \
      systemd-journald-audit.socket systemd-udev-trigger.service systemd-modules-load.service dev-hugepages.mount \
      sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount apt-daily.timer apt-daily-upgrade.timer \
      dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer && \
    systemctl set-default multi-user.target
COPY files/ /
RUN systemctl enable containerd.service kubelet.service
ARG VERSION
RUN echo -n "${VERSION}" > /kind/version
COPY --chmod=755 entrypoint preload /usr/local/bin/
RUN --mount=type=bind,from=pods,target=/pods preload /pods
ENV container=docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint"]
LABEL io.github.aicontainer.image=course
