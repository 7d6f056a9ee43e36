"""Network families: what can be asked for (families), what it is (dnn, cnn, vit), what it costs, how it is stored."""
