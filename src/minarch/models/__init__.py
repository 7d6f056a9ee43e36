"""Networks: what a study can name (families), what they are (network, dnn, cnn, vit, resnet, separable), costs."""
