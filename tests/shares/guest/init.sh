#!/bin/busybox sh
# The first process of the guest: the host's files, read-only, below a file system in memory; then the tests' command.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
  insmod "/modules/$module" || echo "guest: no $module"
done </modules/order
mkdir -p /host /memory /root
mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,ro,msize=524288 host /host
mount -t tmpfs -o size=1200m tmpfs /memory
mkdir -p /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
for folder in proc sys dev; do
  mkdir -p "/root/$folder"
  mount --move "/$folder" "/root/$folder"
done
mkdir -p /root/run /root/tmp
mount -t tmpfs tmpfs /root/run
mkdir -p /root/dev/pts /root/dev/shm /root/run/outside
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 outside /root/run/outside
exec switch_root /root /bin/sh /run/outside/command
