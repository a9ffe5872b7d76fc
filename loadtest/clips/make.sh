#!/bin/sh
# Makes the pictures that callers send: 16 seconds for each codec and size, of a block that goes round over a gradient and a counter
# of nine bits (the left one is the lowest). Coded as small as they come: what a rate has room for beyond that is filled up when a
# picture is sent. Needs ffmpeg with libvpx and libx264; run it in any folder, the clips come to lie beside it.
set -eu
cd "$(dirname "$0")"

# The scene of that width and height, as a filter graph without inputs.
scene() {
  w=$1 h=$2 counter=
  for bit in 0 1 2 3 4 5 6 7 8; do
    place="x=$((w * (2 * bit + 1) / 20)):y=$((h * 37 / 45)):w=$((w / 20)):h=$((h * 4 / 45))"
    counter="$counter,drawbox=$place:color=white:t=fill:enable='gte(mod(n\\,$((2 << bit)))\\,$((1 << bit)))'"
  done
  echo "color=black:s=${w}x$h:r=30:d=0.04,format=yuv420p,geq=lum='56+8*floor(15*Y/H)':cb=146:cr=116,loop=-1:1,setpts=N/30/TB[ground];\
color=0xd07020:s=$((w / 8))x$((h * 2 / 9)):r=30[block];\
[ground][block]overlay=x='(W-w)/2*(1+sin(2*PI*t/8))':y='(H-h)/3*(1+cos(2*PI*t/8))',fps=30$counter"
}

clip() {
  graph=$1
  shift
  ffmpeg -v error -y -f lavfi -i "$graph" -frames:v 480 -pix_fmt yuv420p -threads 1 -fflags +bitexact "$@"
}

for size in 320x180 640x360 1280x720; do
  h=${size#*x}
  graph=$(scene "${size%x*}" "$h")
  # One keyframe; three temporal layers (0 2 1 2), each of which needs only those below it; one token partition, which is the end
  # of a picture and may be padded.
  clip "$graph" -c:v libvpx -deadline good -cpu-used 0 -b:v 1000k -qmin 20 -qmax 30 -crf 24 -g 9999 -keyint_min 9999 \
    -auto-alt-ref 0 -lag-in-frames 0 -slices 1 -error-resilient default \
    -ts-parameters ts_number_layers=3:ts_target_bitrate=400,600,1000:ts_rate_decimator=4,2,1:ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3 \
    "vp8-$h.ivf"
  # Constrained baseline, one keyframe, slices that fit into a packet.
  clip "$graph" -c:v libx264 -preset veryslow -profile:v baseline -crf 28 -bsf:v filter_units=remove_types=6 \
    -x264-params slice-max-size=1000:keyint=infinite:scenecut=0:bframes=0:ref=1:threads=1:rc-lookahead=0:mbtree=0 \
    "h264-$h.264"
done
