"""The kinds of files that a file field offers to choose."""

# What a phone offers: its camera, its photos and its files. iPhones send HEIC only if it is named.
ACCEPTED = "application/pdf,image/jpeg,image/png,image/heic,image/heif,.pdf,.jpg,.jpeg,.png,.heic,.heif"
