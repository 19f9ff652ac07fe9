# The image of everything that runs as a pod in a node: control plane, network proxy, DNS, metrics, pod network, volumes.
# They are one program under many names, so one image serves them all. ROOT has Debian's iptables, conntrack and busybox.
ARG ROOT
FROM ${ROOT} AS kube
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN for name in iptables ip6tables; do for part in "" -save -restore; do ln -sf xtables-nft-multi /usr/sbin/$name$part; done; done
COPY --from=built local-path-provisioner /usr/local/bin/
COPY --chmod=755 pod-network /usr/local/bin/
COPY --from=built program /usr/local/bin/
RUN for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubectl etcd coredns metrics-server; \
    do ln -s program /usr/local/bin/$name; done; ln -s /usr/local/bin/coredns /coredns
LABEL io.github.aicontainer.image=course

# kubeadm's CoreDNS pod gives arguments only and leaves the program to the image.
FROM kube AS coredns
ENTRYPOINT ["/coredns"]
