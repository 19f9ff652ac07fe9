// One program under many names. Linking the Kubernetes binaries, etcd, CoreDNS, metrics-server and kind
// together shares the code that they have in common: half the size and half the build time of eleven programs.
// Which one runs is decided by the name that it is called by (links in the images), as busybox does.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	kubectl "k8s.io/kubectl/pkg/cmd"
	metrics "sigs.k8s.io/metrics-server/cmd/metrics-server/app"
	kind "sigs.k8s.io/kind/cmd/kind/app"
)

// The plugins that kubeadm's Corefile names, in CoreDNS's own order (plugin.cfg).
var plugins = []string{"reload", "log", "errors", "health", "ready", "prometheus", "loop", "cache", "loadbalance", "kubernetes", "forward"}

func command(build func() *cobra.Command) func() int {
	return func() int { return cli.Run(build()) }
}

var programs = map[string]func() int{
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllers.NewControllerManagerCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              command(proxy.NewProxyCommand),
	"kubelet":                 command(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kubectl":                 func() int { return code(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand())) },
	"kubeadm":                 func() int { return code(kubeadm.Run()) },
	"etcd":                    func() int { etcdmain.Main(os.Args); return 0 },
	"coredns":                 func() int { dnsserver.Directives = plugins; coremain.Run(); return 0 },
	"metrics-server":          command(func() *cobra.Command { return metrics.NewMetricsServerCommand(genericserver.SetupSignalHandler()) }),
	"kind":                    func() int { kind.Main(); return 0 },
}

func code(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

func main() {
	name := filepath.Base(os.Args[0])
	if run, found := programs[name]; found {
		os.Exit(run())
	}
	var names []string
	for known := range programs {
		names = append(names, known)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "called as %q; link me under one of: %s\n", name, strings.Join(names, " "))
	os.Exit(2)
}
